-- Emergency readmissions within 30 days of discharge: NHS Outcomes Framework 3b, CCG OIS 3.2, NHS Digital I02040.
-- Denominator: finished continuous spells (day = discharge) of medical and surgical specialties. Numerator: of
-- these, the ones that are the last discharge before an emergency admission 0 to 29 days later, deaths in it
-- included. One discharge and the next stay make the pair, so a readmission has one discharge only; that of a day
-- case counts for none, since day cases are out. What takes a stay out is given with its reason: see the card.
-- Transfers were joined when the record was loaded.
with stays as (
    select
        person, admission, admitted, discharged,
        max(coalesce(discharged, date '9999-12-31')) over (
            partition by person order by admitted, coalesce(discharged, date '9999-12-31'), admission
            rows between unbounded preceding and 1 preceding
        ) as left_before
    from admissions
),
-- a stay that begins while another lasts is no return to hospital: such stays are one time in hospital
times as (
    select
        person, admission, admitted, discharged,
        case when left_before is null or left_before <= admitted then 1 else 0 end as begins,
        sum(case when left_before is null or left_before <= admitted then 1 else 0 end) over (
            partition by person order by admitted, coalesce(discharged, date '9999-12-31'), admission
            rows between unbounded preceding and current row
        ) as time
    from stays
),
placed as (
    select
        person, admission, admitted, discharged, begins, time,
        row_number() over (
            partition by person, time
            order by coalesce(discharged, date '9999-12-31') desc, admitted desc, admission desc
        ) as from_last
    from times
),
followed as (
    select p.admission, n.admission as next_admission, days_between(p.discharged, n.admitted) as days
    from placed p
    join placed n on n.person = p.person and n.time = p.time + 1
    where p.from_last = 1 and n.begins = 1
),
mentions as (
    select d.person, d.admission, d.day
    from diagnoses d
    join cancer c on c.coding = 'icd10' and c.code = d.code
    union all
    select p.person, p.admission, p.day
    from procedures p
    join cancer c on c.coding = 'opcs4' and c.code = p.code
),
with_cancer as (
    select distinct admission from mentions
),
-- cancer in another stay, in the 365 days before this one
after_cancer as (
    select distinct a.admission
    from admissions a
    join mentions m on m.person = a.person
    where m.admission <> a.admission and m.day <= a.admitted and days_between(m.day, a.admitted) <= 365
),
maternity_signs as (
    select d.admission
    from diagnoses d
    join maternity m on m.condition = 'maternity' and m.coding = 'icd10' and m.code = d.code
    union all
    select a.admission
    from admissions a
    join maternity m on m.condition = 'maternity' and m.coding = 'main_specialty'
        and (m.code = a.main_specialty or m.code = a.last_specialty)
    union all
    select a.admission
    from admissions a
    join maternity m on m.condition = 'maternity' and m.coding = 'episode_type' and m.code = a.episode_type
),
maternal as (
    select distinct admission from maternity_signs
),
readmissions as (
    select f.admission
    from followed f
    join admissions n on n.admission = f.next_admission
    join methods m on m.coding = 'admission_method' and m.condition = 'outcomes framework'
        and m.code = n.admission_method
    left join maternity o on o.condition = 'obstetrics' and o.coding = 'main_specialty' and o.code = n.main_specialty
    left join with_cancer c on c.admission = n.admission
    where f.days >= 0 and f.days <= 29 and o.code is null and c.admission is null
)
select
    a.person, a.discharged as day, a.admission as event,
    case when r.admission is null then 0 else 1 end as numerator, 1 as denominator,
    case
        when starts_with(a.admission_method, '1') then 'elective'
        when starts_with(a.admission_method, '2') then 'emergency'
        else 'other'
    end as method,
    case
        when coalesce(a.patient_class, '') <> '1' then 'not an ordinary admission (a day case, for instance)'
        when a.discharge_method in ('4', '5') then 'died in hospital, or stillborn'
        when m.admission is not null then 'maternity (specialty, kind of episode or diagnosis)'
        when s.code is null then 'specialty of discharge not one that counts'
        when c.admission is not null then 'cancer or chemotherapy in this stay'
        when b.admission is not null then 'cancer or chemotherapy in the 365 days before'
    end as excluded
from admissions a
left join readmissions r on r.admission = a.admission
left join maternal m on m.admission = a.admission
left join specialties s on s.coding = 'main_specialty' and s.code = a.last_specialty
left join with_cancer c on c.admission = a.admission
left join after_cancer b on b.admission = a.admission
where a.discharged is not null
