"""How a shot is denoised: what it is shown, where that stands in time, at which noise levels."""
