-- The list of holidays has the year of the business date and, in its last two months, the next one.
{{ config(severity='warn') }}

select needed.year_number
from (
    values
    (extract(year from {{ business_date() }})),
    (extract(year from {{ business_date() }} + 60))
) as needed (year_number)
where not exists (
    select 1
    from {{ ref('bank_holiday') }} as holiday
    where extract(year from holiday.holiday_date) = needed.year_number
)
