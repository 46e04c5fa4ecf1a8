"""The TensorBoard plugin that shows slices; TensorBoard finds it through ``loader``."""
