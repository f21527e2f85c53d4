"""The callbacks of each page, called as a browser calls them, and as somebody who forges its requests."""
