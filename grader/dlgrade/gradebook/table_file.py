"""Reads a table that people write by hand or in a spreadsheet; every mistake is told with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from dlgrade.course.author_file import AuthorFile


def rows_of(
    file: AuthorFile, text: str, columns: Sequence[str], required: Sequence[str], subject: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a CSV file as cells by column; the mistakes go to `file`.

    Args:
        file: where it comes from.
        text: what is in it; empty lines are passed over.
        columns: all that there may be.
        required: those that there must be.
        subject: what a line is of, as a mistake begins.

    Yields:
        The number of each line, and its cells.
    """
    header = text.partition("\n")[0]
    # What spreadsheets write where a comma is the decimal mark.
    delimiter = ";" if ";" in header and "," not in header else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    mend = f"Its first line is: {','.join(columns)}"
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if not names:
                names = [cell.strip().lower() for cell in row]
                first = AuthorFile(file.path, {("", 0, ""): rows.line_num}, file.mistakes)
                first.known(dict.fromkeys(names), columns, "", 0, subject)
                absent = [key for key in required if key not in names]
                if absent or len(set(names)) < len(names):
                    what = f"There is no column {absent[0]}." if absent else "Two columns have one name."
                    file.mistake(what, rows.line_num, mend)
                    return
                continue
            if len(row) != len(names):
                file.mistake(f"The line has {len(row)} cells, not {len(names)}.", rows.line_num, mend)
                continue
            yield rows.line_num, {key: cell.strip() for key, cell in zip(names, row, strict=True)}
    except csv.Error as error:
        file.mistake(f"It is not valid CSV: {error}.", rows.line_num, mend)
