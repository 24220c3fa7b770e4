"""Programs that workflows write: each project is a bare Git repository in `projects/`."""
