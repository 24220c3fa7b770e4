"""Google's Gemini models, through the google-genai SDK, which is installed on demand."""
