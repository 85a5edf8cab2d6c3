"""What is made of a settlement: runs on disk, statements, schedules, worked examples, differences.

Here live the run folder and everything a person reads. Not here: what a contract means (language), what it comes to
(engine), and how a terminal shows it (cli). Nothing in this room imports typer or rich.
"""
