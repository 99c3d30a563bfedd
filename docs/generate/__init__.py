"""Pages that say what the code declares: the data dictionary from `tables`, the settings from `settings`."""

from docs.generate.dictionary import data_dictionary
from docs.generate.settings import env_example, settings_page

PAGES = {
    "docs/data_dictionary.md": data_dictionary,
    "docs/settings.md": settings_page,
    ".env.example": env_example,
}
