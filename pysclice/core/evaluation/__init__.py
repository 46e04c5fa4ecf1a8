"""How a loss surface is evaluated at many points: plainly, or faster and held against that."""
