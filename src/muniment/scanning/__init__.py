"""What in the files of a version could run code when they are loaded. Nothing is loaded to find out."""
