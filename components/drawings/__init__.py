"""Pictures that the project draws itself, with labels, captions and text known exactly."""
