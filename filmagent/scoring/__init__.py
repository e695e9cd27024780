"""How frames are measured. Used by the critic, the memory and the benchmarks."""
