PYTHON ?= python3
PORT ?= 7860
BIN := .venv/bin

.PHONY: run test clean

run: .venv/ready
	$(BIN)/python -m clippings list >/dev/null 2>&1 || $(BIN)/python ingest.py articles
	$(BIN)/python app.py --port $(PORT)

test: .venv/ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest

.venv/ready: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv
