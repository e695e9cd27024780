"""OneStory on any Wan-class transformer (arXiv 2512.07802): a selector ranks all earlier frames, and the more a frame
matters to the shot, the finer are the patches that it is shown in."""
