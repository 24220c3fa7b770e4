"""A small shop as an SQLite file: products, customers, and the orders of the last ten weeks. No server is needed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

_DAYS = 70
_SCHEMA = """
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price NUMERIC NOT NULL,
    stock INTEGER NOT NULL);
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, city TEXT NOT NULL,
    joined_on TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    ordered_on TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE order_items (order_id INTEGER NOT NULL REFERENCES orders (id),
    product_id INTEGER NOT NULL REFERENCES products (id), quantity INTEGER NOT NULL, price NUMERIC NOT NULL,
    PRIMARY KEY (order_id, product_id));
CREATE VIEW sales AS SELECT orders.id AS order_id, ordered_on, products.name AS product, category, quantity,
    quantity * order_items.price AS total
    FROM orders JOIN order_items ON order_id = orders.id JOIN products ON products.id = product_id
    WHERE status <> 'cancelled';
"""
_PRODUCTS = (
    ("Espresso machine", "kitchen", 249.0, 4),
    ("Coffee grinder", "kitchen", 89.5, 12),
    ("Kettle", "kitchen", 39.9, 31),
    ("Desk lamp", "office", 45.0, 3),
    ("Office chair", "office", 189.0, 7),
    ("Notebook, dotted", "paper", 6.5, 140),
    ("Fountain pen", "paper", 32.0, 2),
    ("Ink, blue", "paper", 9.8, 55),
)
_CUSTOMERS = (
    ("Ada Berg", "Berlin"),
    ("Bruno Costa", "Lisbon"),
    ("Chiara Neri", "Turin"),
    ("Dilan Aksoy", "Izmir"),
    ("Emil Lund", "Bergen"),
    ("Fatou Diop", "Dakar"),
)


def make(path: Path, today: date | None = None) -> None:
    """Write the file anew, in place of an earlier one; the last orders are from `today`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as connection:
        connection.executescript(_SCHEMA)
        _fill(connection, today or datetime.now(UTC).date())
        connection.commit()
    # A step that has the old file open keeps reading it until it connects again.
    part.replace(path)


def make_once(path: Path) -> None:
    """Write the file unless it exists."""
    if not path.exists():
        make(path)


def _fill(connection: sqlite3.Connection, today: date) -> None:
    products = [(index + 1, *one) for index, one in enumerate(_PRODUCTS)]
    connection.executemany("INSERT INTO products VALUES (?, ?, ?, ?, ?)", products)
    since = (today - timedelta(days=400)).isoformat()
    customers = [
        (index + 1, name, f"{name.split()[0].lower()}@example.org", city, since)
        for index, (name, city) in enumerate(_CUSTOMERS)
    ]
    connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", customers)
    for number, ordered_on in enumerate(_order_days(today), start=1):
        # Rules instead of chance, so that each start makes the same shop.
        status = "cancelled" if number % 17 == 0 else "sent" if ordered_on < today else "new"
        order = (number, number % len(_CUSTOMERS) + 1, ordered_on.isoformat(), status)
        connection.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", order)
        for product in {number % 8 + 1, number * 3 % 8 + 1}:
            item = (number, product, number % 3 + 1, _PRODUCTS[product - 1][2])
            connection.execute("INSERT INTO order_items VALUES (?, ?, ?, ?)", item)


def _order_days(today: date) -> Iterator[date]:
    """Yield the days of the orders: one to three a day, the same at each start."""
    for back in range(_DAYS - 1, -1, -1):
        yield from [today - timedelta(days=back)] * (back * 7 % 3 + 1)
