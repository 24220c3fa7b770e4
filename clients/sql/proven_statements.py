"""The proof that a statement only reads: one query, with nothing in it that a parser does not know to be harmless.

It is one of three layers: the account should have no other rights, and the session cannot write. This one refuses
what those two let pass, such as functions that sleep, take locks, read files of the server or change the session.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.sql.address import Dialect
from clients.sql.attributes import LONGEST_NAME, Attribute, attributes_of
from clients.sql.service import NAME

if TYPE_CHECKING:
    from sqlglot import exp

_LONGEST = 50_000
_REMEDY = "Write one SELECT. To change data, use the step `sql.execute`."
ESCAPED_NAME = re.compile(r'u&"', re.IGNORECASE)
"""PostgreSQL's names with escapes (https://www.postgresql.org/docs/current/sql-syntax-lexical.html)."""
_LONGEST_LIST = 1_000_000
_LONGEST_TEXT = 10_000
_LONGEST_WRITTEN = 10_000_000
"""The largest value that a function may make in DuckDB, whose limit of memory does not count single values."""
_WIDTH = re.compile(r"\d{5}|\*|:[^}]*\{")
_OF_FILES = re.compile(r"[./\\:*?\[]")
"""Signs of files and addresses, which DuckDB reads like tables: `SELECT * FROM 'sales.csv'`."""
_FUNCTIONS_OF_ALL = frozenset(
    """abs acos ascii asin atan atan2 avg bit_length cast ceil ceiling char char_length coalesce concat concat_ws cos
        cot count date degrees exp floor format greatest hex ifnull instr json_array json_extract json_object
        json_quote json_type json_valid lag last_value lead least left length ln log log10 log2 lower lpad ltrim max
        md5 min mod now nullif octet_length pi power quote radians replace reverse right round row row_number rpad
        rtrim sign sin sqrt substr substring sum tan trim trunc truncate upper""".split()
)
_FUNCTIONS: Mapping[Dialect, frozenset[str]] = {
    "sqlite": frozenset(
        """changes char glob iif json json_array_length json_each json_group_array json_group_object json_insert
        json_patch json_remove json_replace json_set json_tree julianday likelihood likely printf random soundex
        sqlite_version strftime time timediff total typeof unhex unicode unixepoch unlikely datetime""".split()
    ),
    "postgres": frozenset(
        """age array_length array_position array_remove array_to_json array_to_string bool_and bool_or btrim cardinality
        clock_timestamp current_database current_schema date_part daterange decode div encode every format_type
        gen_random_uuid int4range int8range isfinite json_array_elements json_array_elements_text json_array_length
        json_build_array json_build_object json_each json_each_text json_extract_path json_extract_path_text
        json_object_keys json_to_record json_to_recordset json_typeof jsonb_array_elements jsonb_array_elements_text
        jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
        jsonb_extract_path_text jsonb_object_keys jsonb_path_query jsonb_pretty jsonb_to_record jsonb_to_recordset
        jsonb_typeof justify_days justify_hours justify_interval lower_inc make_date make_interval make_time
        make_timestamp make_timestamptz mode numrange pg_typeof phraseto_tsquery plainto_tsquery quote_ident
        quote_literal quote_nullable regexp_count regexp_match regexp_matches regexp_split_to_array
        regexp_split_to_table row_to_json scale similarity split_part statement_timestamp string_to_array
        string_to_table strpos timeofday timezone to_ascii to_json to_jsonb to_number to_regclass to_tsquery
        to_tsvector transaction_timestamp translate ts_headline ts_rank ts_rank_cd tsrange tstzrange unnest version
        websearch_to_tsquery width_bucket word_similarity xpath""".split()
    ),
    "mysql": frozenset(
        """addtime bin conv convert_tz crc32 curdate curtime database dayname dayofmonth dayofweek dayofyear elt
        export_set field find_in_set format_bytes from_base64 from_days from_unixtime get_format hour if inet_aton
        inet_ntoa isnull json_arrayagg json_contains json_contains_path json_depth json_keys json_length
        json_merge_patch json_objectagg json_overlaps json_pretty json_search json_unquote json_value last_day
        localtime localtimestamp locate lcase makedate maketime microsecond mid minute monthname oct ord period_add
        period_diff position quarter rand regexp_instr regexp_like regexp_replace regexp_substr schema second
        sec_to_time sha sha1 sha2 space strcmp subtime sysdate time_format time_to_sec timediff to_base64 to_days
        to_seconds ucase unhex unix_timestamp utc_date utc_time utc_timestamp uuid version weekday weekofyear
        weight_string yearweek""".split()
    ),
    "duckdb": frozenset(
        """age aggregate array_aggr array_aggregate array_apply array_cosine_similarity array_distance array_extract
        array_has_any array_indexof array_inner_product array_reduce array_select array_to_json array_transform
        array_unique array_value array_where array_zip arbitrary bar base64 bin bit_count bit_position bitstring
        bitstring_agg cardinality century count_star damerau_levenshtein date_part date_sub datepart datesub
        days_in_month decade divide element_at entropy enum_code enum_first enum_last enum_range epoch_ns epoch_us
        equi_width_bins era even favg fdiv fill fmod format_bytes fsum gamma gcd geomean geometric_mean grade_up
        greatest_common_divisor hamming hash histogram isfinite isoyear jaccard jaro_similarity json_array_length
        json_contains json_deep_merge json_each json_exists json_group_array json_group_object json_group_structure
        json_merge_patch json_normalize json_pretty json_structure json_transform json_transform_strict json_tree
        json_value julian kahan_sum kurtosis_pop lcm least_common_multiple left_grapheme length_grapheme lgamma
        list_aggr list_aggregate list_any_value list_apply list_approx_count_distinct list_avg list_bool_and
        list_bool_or list_cat list_cosine_similarity list_count list_element list_entropy list_extract list_first
        list_grade_up list_has_all list_histogram list_indexof list_inner_product list_intersect list_last list_mad
        list_median list_mode list_pack list_position list_product list_reduce list_resize list_reverse list_select
        list_slice list_stddev_pop list_stddev_samp list_string_agg list_sum list_unique list_var_pop list_var_samp
        list_where list_zip mad make_timestamp_ms make_timestamp_ns make_timestamptz map_concat map_contains
        map_contains_entry map_contains_value map_entries map_extract map_extract_value map_values md5_number mean
        microsecond millennium millisecond mismatches multiply nanosecond nfc_normalize ord parse_dirname
        parse_dirpath parse_filename parse_formatted_bytes parse_path prefix printf product regexp_escape
        regexp_split_to_array regexp_split_to_table reservoir_quantile right_grapheme round_even roundbankers
        row_to_json sem signbit strip_accents strlen struct_concat struct_contains struct_extract_at struct_has
        struct_indexof struct_insert struct_keys struct_position struct_update struct_values substring_grapheme
        subtract suffix timezone timezone_hour timezone_minute to_base to_centuries to_decades to_hours to_json
        to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_weeks to_years
        transaction_timestamp try_strptime unbin union_extract union_tag union_value url_decode url_encode
        uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 wavg weekday weighted_avg yearweek""".split()
    ),
}
"""Functions that sqlglot does not know itself, and that read nothing but their arguments and the clock."""


class ProvenStatement(Struct, frozen=True):
    """A statement that was proven to read. Only `proven` makes one."""

    statement: str
    dialect: Dialect
    names: tuple[str, ...]
    """Its parameters, in order, each as often as it occurs."""
    tree: exp.Query
    attributes: tuple[Attribute, ...] = ()
    """For PostgreSQL: names that the database must look at before it runs the statement."""


def proven(statement: str, dialect: Dialect) -> ProvenStatement:
    """Return the statement as a proven read. Raises InvalidRequest with the reason."""
    from sqlglot import exp

    from clients.sql.parameters import names_in

    if len(statement) > _LONGEST:
        raise refusal(f"the statement is longer than {_LONGEST} characters")
    # MySQL executes `/*! … */`, and MariaDB also `/*M! … */` (mariadb.com/kb/en/comment-syntax).
    if "\0" in statement or re.search(r"/\*M?!", statement):
        raise refusal("it has a comment that the database would execute (`/*!`)")
    if ESCAPED_NAME.search(statement):
        raise refusal('it has a name written by numbers of characters (`U&"…"`)')
    tree = _only(statement, dialect)
    reason = next(_reasons(tree, dialect), None)
    if reason is not None:
        raise refusal(reason)
    assert isinstance(tree, exp.Query)
    if dialect == "duckdb":
        require_small_values(tree)
    attributes = attributes_of(tree) if dialect == "postgres" else ()
    return ProvenStatement(statement, dialect, names_in(statement, dialect), tree, attributes)


def parsed(statement: str, dialect: Dialect) -> list[exp.Expr]:
    """Return the statements in a text. Raises InvalidRequest if it cannot be parsed."""
    import sqlglot

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it would warn of each statement that it does not know
    try:
        found = sqlglot.parse(statement, read=dialect)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        where = re.search(r"Line \d+, Col: \d+", str(error))
        said = f"it cannot be parsed ({where[0] if where else type(error).__name__})"
        raise refusal(said) from None
    # A comment after the last semicolon is a Semicolon to sqlglot.
    return [one for one in found if one is not None and type(one).__name__ != "Semicolon"]


def _only(statement: str, dialect: Dialect) -> exp.Expr:
    found = parsed(statement, dialect)
    if len(found) != 1:
        raise refusal(f"it has {len(found)} statements")
    return found[0]


def _reasons(tree: exp.Expr, dialect: Dialect) -> Iterator[str]:
    """Yield the reasons why a statement is more than a read."""
    from sqlglot import exp

    if not isinstance(tree, exp.Query):
        yield f"it is {_words(tree)}, not a query"
        return
    for node in tree.walk():
        reason = hazard(node, dialect, harmless_functions(dialect))
        if reason:
            yield reason


def hazard(node: exp.Expr, dialect: Dialect, functions: frozenset[str]) -> str:
    """Return what a part of a statement may do beyond reading; "" if it only reads."""
    from sqlglot import exp

    # Reads that lock rows, draw from a sequence or assign a variable (`:=`) change something, too.
    changing = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Set, exp.Transaction, exp.Copy, exp.Attach)
    refused = (*changing, exp.Commit, exp.Rollback, exp.Pragma, exp.PropertyEQ, exp.Parameter, exp.NextValueFor)
    readers = (exp.ReadCSV, exp.ReadParquet)
    is_struct = dialect == "duckdb" and isinstance(node, exp.PropertyEQ)  # {'name': value}
    if isinstance(node, (*refused, *readers)) and not isinstance(node, exp.Query) and not is_struct:
        return f"it contains {_words(node)}"
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
        return f"it calls the function `{node.expression.name}` of a schema"
    if isinstance(node, exp.Anonymous) and node.name.lower() not in functions:
        return f"the function `{node.name.lower()}` is not known to change nothing"
    if dialect == "duckdb" and isinstance(node, exp.Table) and _OF_FILES.search(node.name):
        return f"the table `{node.name}` may be a file"
    return _hazard_of_postgres(node) if dialect == "postgres" else ""


def require_small_values(tree: exp.Expr) -> None:
    """Raise InvalidRequest for DuckDB's functions that make a list or text whose length is not a small fixed number."""
    from sqlglot import exp

    for node in tree.walk():
        name, sizes, most = _size_of(node)
        is_inside = bool(sizes) and node.find_ancestor(exp.Lambda, exp.Comprehension) is not None
        if is_inside or any(_number(one) is None or abs(_number(one) or 0) > most for one in sizes):
            raise InvalidRequest(
                f"`{name}` makes a value whose length is not a fixed number of at most {most:,}.",
                service=NAME,
                remedy="Write the number, smaller and outside of a lambda; a series of rows may be long: "
                "`SELECT … FROM range(:n)`.",
            )


def _size_of(node: exp.Expr) -> tuple[str, list[exp.Expr | None], int]:
    """Return (name, what decides the length, how long it may be) of a function; for most functions, nothing decides."""
    from sqlglot import exp

    if isinstance(node, exp.GenerateSeries) and not isinstance(node.parent, exp.Table):
        bounds = [node.args.get("start"), node.args.get("end")]
        return "range", [*bounds, *filter(None, [node.args.get("step")])], _LONGEST_LIST
    if isinstance(node, exp.Repeat):
        is_written = isinstance(node.this, exp.Literal)  # made once, not for each of the rows that are read together
        return "repeat", [node.args.get("times")], _LONGEST_WRITTEN if is_written else _LONGEST_TEXT
    if isinstance(node, exp.Pad):
        return "lpad" if node.args.get("is_left") else "rpad", [node.expression], _LONGEST_TEXT
    name = node.name.lower() if isinstance(node, exp.Anonymous) else "format" if isinstance(node, exp.Format) else ""
    if name in {"list_resize", "array_resize", "bitstring"}:
        return name, node.expressions[1:2], _LONGEST_TEXT
    if name in {"format", "printf"}:
        written = node.this if isinstance(node, exp.Format) else next(iter(node.expressions), None)
        is_small = isinstance(written, exp.Literal) and not _WIDTH.search(written.name)
        return name, [] if is_small else [None], _LONGEST_TEXT
    return "", [], 0


def _number(node: exp.Expr | None) -> float | None:
    from sqlglot import exp

    if isinstance(node, exp.Neg):
        node = node.this
    return float(node.name) if isinstance(node, exp.Literal) and not node.is_string else None


def _hazard_of_postgres(node: exp.Expr) -> str:
    """Return how PostgreSQL may call a function without its parentheses: `(value).f` is `f(value)`."""
    from sqlglot import exp

    if isinstance(node, exp.Dot) and node.find_ancestor(exp.DataType) is None:
        return f"`(…).{node.expression.name or '*'}` may call a function"
    if isinstance(node, exp.Operator):
        return "OPERATOR(…) may call a function"
    if isinstance(node, exp.Identifier) and len(node.name.encode()) > LONGEST_NAME:
        return f"the name `{node.name[:20]}…` has more than {LONGEST_NAME} bytes, and PostgreSQL would cut it"
    return ""


def harmless_functions(dialect: Dialect) -> frozenset[str]:
    """Return the functions that sqlglot does not know itself, and that read only their arguments and the clock."""
    return _FUNCTIONS_OF_ALL | _FUNCTIONS[dialect]


def _words(node: exp.Expr) -> str:
    name = type(node).__name__
    said = {"Command": str(node.name).upper(), "Lock": "FOR UPDATE or FOR SHARE", "PropertyEQ": "an assignment"}
    return said.get(name, name.upper()) or name.upper()


def refusal(reason: str) -> InvalidRequest:
    """Return the error for a statement that may do more than read."""
    return InvalidRequest(f"The statement is not proven to read only: {reason}.", service=NAME, remedy=_REMEDY)
