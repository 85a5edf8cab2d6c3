"""Operators, functions and rounding rules, one line each; a test keeps the lists complete."""

OPERATORS: tuple[tuple[str, str], ...] = (
    (
        "+ - * /",
        "Arithmetic, with units. `/` gives an unrounded quotient, and what it divides by must be proven not 0.",
    ),
    (
        "= <> < <= > >=",
        "Comparison of two numbers in one unit, or of two dates; texts and keys by `=` and `<>` only. "
        "Comparisons do not chain. `!=` is read as `<>`.",
    ),
    ("and or not", "Conditions; three-valued, as in SQL."),
    ("x between a and b", "`x >= a and x <= b`."),
    ("x in ('a', 'b')", "Whether a text or key is one of these."),
    ("x is null, x is not null", "Whether a value is missing; never missing itself."),
    (
        "case when c then x … else y end",
        "The first branch whose condition holds. A missing condition makes the whole "
        "missing. Branches not taken are not looked at. `case x when 'a' then …` compares x with each.",
    ),
    ("table.column", "A column whose name two tables use."),
)

FUNCTION_LINES: tuple[tuple[str, str], ...] = (
    ("abs(x)", "x without its sign."),
    ("least(x, y, …)", "The smallest; missing if one is missing."),
    ("greatest(x, y, …)", "The largest; missing if one is missing."),
    ("coalesce(x, y, …)", "The first that is not missing. Refused where x is never missing."),
    ("sum(x) [filter (where c)]", "The sum over the finer rows; 0 over no rows; missing if one is missing."),
    ("count(table) [filter (where c)]", "How many rows of a table belong here."),
    ("count(*) filter (where c)", "How many rows of what c reads meet it."),
    ("min(x) [filter (where c)]", "The smallest of the finer rows; missing over no rows, or if one is missing."),
    ("max(x) [filter (where c)]", "The largest of the finer rows; missing over no rows, or if one is missing."),
    ("quantile(x, p) [filter (where c)]", "The smallest value with at least the share p of the rows at or below it."),
    ("first(x)", "x in the first period inside this row's period."),
    ("last(x)", "x in the last period inside this row's period."),
    ("prior(x)", "x one period before; missing in the first. `prior(prior(x))` goes back two."),
    ("trailing_avg(x, n)", "The mean of x in this period and the n - 1 before; missing if one is missing."),
    ("rank() over ([partition by k, …] order by x [desc], …)", "1 for the first, and equal for ties, as in SQL."),
    ("allocate(pool, weight)", "The share of the pool, in whole steps that add up to it. The whole formula."),
    ("allocate(pool, weight, floor)", "The same, where nobody gets less than the floor."),
    ("days(period)", "The days of a period."),
    ("months(period)", "The months of a period."),
    ("first_day(period)", "The first day of a period."),
    ("last_day(period)", "The last day of a period."),
    ("days_between(a, b)", "The days from date a to date b; negative if b is earlier."),
    ("at(parameter, date)", "The parameter as it stood on a date of the row."),
    ("scale(x)", "A parameter with `scale:`, read at x, under its own name."),
)

ROUNDING_LINES: dict[str, str] = {
    "half_up": "to the nearer step; in the middle, away from zero",
    "half_even": "to the nearer step; in the middle, to the even one",
    "down": "towards zero",
    "up": "away from zero",
    "floor": "to the lower step, also below zero",
    "ceiling": "to the higher step, also below zero",
}
