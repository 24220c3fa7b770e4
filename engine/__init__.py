"""The core: workflows are loaded, compiled and run here; every face goes through `Orchestra`."""
