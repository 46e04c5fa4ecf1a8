"""How fast the page is: a real TensorBoard, a real browser, and a table of budgets."""
