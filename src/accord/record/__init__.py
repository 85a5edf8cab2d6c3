"""The linked record of a population: what happened to each person, in general practice, hospital, community and home.

A record is a folder of Parquet tables that DuckDB and Spark read in place. Each table is defined by a file in
``tables/`` (columns, types, allowed values, meaning, counterparts), and the documentation is generated from them.

Lives here: the definitions, the readers of foreign formats, pseudonyms and opt-outs, loading, continuous spells, the
quality report, the roster of who is in the population on which day, and the two engines that select from a record.
Does not: what is measured (:mod:`accord.measures`), or what is paid (:mod:`accord.settlement`).
"""
