// The driver's page: the device's position if its owner likes, and results that stay live.
import { keepLive } from "./_live";

const here = document.getElementById("here");
const form = document.getElementById("find");

if (here && form instanceof HTMLFormElement && "geolocation" in navigator) {
  const told = here.querySelector("span")!;
  here.hidden = false;
  here.querySelector("button")!.addEventListener("click", () => {
    told.textContent = "…";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const query = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
        // Some 10 m: enough to find the nearest street, and no more than that is told.
        query.set("lat", coords.latitude.toFixed(4));
        query.set("lon", coords.longitude.toFixed(4));
        query.set("place", here.dataset.where ?? "");
        location.search = query.toString();
      },
      () => {
        told.textContent = here.dataset.refused ?? "";
      },
      { timeout: 15_000, maximumAge: 60_000 },
    );
  });
}

keepLive({ every: 3000, only: () => document.querySelector("#results [data-site]") !== null });
