"""Reports of use: periods and buckets, sums, and the figures made of them. Rules only, no I/O."""
