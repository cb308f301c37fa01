-- Days that everybody knows, where they lie in the calendar: Spring Festival and the Saturday worked for it, pay on the
-- worked Saturday before a tenth that is a Sunday, neighbours over National Day, ends of quarters and of other months.
with known (calendar_date, is_business_day, is_pay_day, is_month_end, is_quarter_end, next_business_date) as (
    values
    (date '2026-02-17', false, false, false, false, date '2026-02-24'),
    (date '2026-02-28', true, false, true, false, date '2026-03-02'),
    (date '2026-03-31', true, false, true, true, date '2026-04-01'),
    (date '2026-05-08', true, false, false, false, date '2026-05-09'),
    (date '2026-05-09', true, true, false, false, date '2026-05-11'),
    (date '2026-05-10', false, false, false, false, date '2026-05-11'),
    (date '2026-09-30', true, false, true, true, date '2026-10-08'),
    (date '2026-10-10', true, true, false, false, date '2026-10-12')
)

select
    known.calendar_date,
    calendar.is_business_day,
    calendar.is_pay_day,
    calendar.is_month_end,
    calendar.is_quarter_end,
    calendar.next_business_date
from known
inner join {{ current('dim_calendar') }} as calendar on known.calendar_date = calendar.calendar_date
where
    (known.is_business_day, known.is_pay_day, known.is_month_end, known.is_quarter_end, known.next_business_date)
    <> (
        calendar.is_business_day, calendar.is_pay_day, calendar.is_month_end, calendar.is_quarter_end,
        calendar.next_business_date
    )
