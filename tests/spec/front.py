"""What stands before the first chapter of the language reference."""

TEXT = """
An Accord contract is a YAML file, `contract.yaml`. It says what is paid, to whom, from which data, and why; Accord
checks it before anybody signs it, and settles it to the penny. It is data, never a program: it can read no file but its
own tables, reach no network, look at no clock and throw no dice, so that the same text over the same data gives the
same result for ever.

Whoever knows a spreadsheet and a little SQL can read it. Formulas are written as in SQL, one row at a time; what
SQL and spreadsheets do silently wrong (a join that doubles rows, a missing value that becomes a nought, a rounding that
depends on the machine) is refused here, with a message that says how to mend it.

Every example on this page is run by the tests, by three engines, and gives exactly the numbers shown. To keep
them short, an example that does not say otherwise begins with

```yaml
accord: 1
contract: example
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, year: {every: 12 months}}
```

and the quantities whose values are shown count as `report: true` (see *What must be used*). In the tables, values
stand as data files write them: percent times 100, a period by its first day; *missing* is the absence of a value.
"""
