// The list of all sites, kept live.
import { keepLive } from "./_live";

keepLive({ every: 5000 });
