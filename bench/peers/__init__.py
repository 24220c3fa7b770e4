"""The same works on other engines that keep each step, in the mode in which they do."""
