-- Average costs in pence, for what has no cost of its own: National Cost Collection, national schedule, average of
-- the department named (england.nhs.uk/costing-in-the-nhs/national-cost-collection, Open Government Licence v3;
-- status: verified). One price base for all years: a cost does not move because a tariff did. Outpatients: price
-- year 2023/24, since in 2024/25 "Consultant Led" covers too few attendances to be their average; the others
-- 2024/25. General practice, prescriptions and social care have no figure here: the published unit costs that have
-- them may not be passed on.
select 'emergency attendance' as service, '2024/25' as price_year, 28017 as pence  -- Emergency Care
union all select 'day case', '2024/25', 107747  -- Daycase
union all select 'elective stay', '2024/25', 668901  -- Elective Inpatients
union all select 'non-elective stay, one day or less', '2024/25', 82586  -- Non-Elective Inpatient - Short Stay
union all select 'non-elective stay, longer', '2024/25', 541928  -- Non-Elective Inpatient - Long Stay
union all select 'regular attendance', '2024/25', 44812  -- Regular Day or Night Admissions
union all select 'outpatient attendance', '2023/24', 19752  -- Consultant Led
union all select 'community contact', '2024/25', 8873  -- Community Health Service
union all select 'mental health contact', '2024/25', 30594  -- Mental Health Care Contact
