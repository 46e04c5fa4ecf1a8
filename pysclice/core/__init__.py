"""Parameters, data and the evaluation of a loss surface; nothing here knows TensorBoard."""
