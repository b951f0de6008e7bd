"""Ask a folder of news articles and get quoted, cited answers; one module a stage, as the README lists them."""
