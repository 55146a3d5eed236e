"""What each chapter declares, its controls and example sounds: one module for each notebook."""
