-- A day is a business day as the holiday list says, else from Monday to Friday. Some days more on either side than are
-- kept, so that the first and the last have neighbours.
with day as (
    select
        generated::date as calendar_date,
        (date_trunc('month', generated) + interval '1 month' - interval '1 day')::date as last_date
    from generate_series(
        {{ business_date() }}::timestamp - interval '790 days',
        {{ business_date() }}::timestamp + interval '460 days',
        interval '1 day'
    ) as generated
),

judged as (
    select
        day.calendar_date,
        day.last_date,
        coalesce(holiday.is_business_day, extract(isodow from day.calendar_date) < 6) as is_business_day,
        case when not holiday.is_business_day then holiday.name end as holiday,
        case when not holiday.is_business_day then holiday.name_zh end as holiday_zh
    from day
    left join {{ ref('bank_holiday') }} as holiday on day.calendar_date = holiday.holiday_date
),

-- Pay comes on the nominal day, or on the last business day of the month before it.
pay as (
    select max(judged.calendar_date) as pay_date
    from judged
    cross join {{ ref('pay_day') }} as nominal
    where
        judged.is_business_day
        and extract(day from judged.calendar_date)
        <= least(nominal.day_of_month, extract(day from judged.last_date))
    group by judged.last_date, nominal.day_of_month
),

neighboured as (
    select
        *,
        min(case when is_business_day then calendar_date end) over (
            order by calendar_date desc
            rows between unbounded preceding and 1 preceding
        ) as next_business_date,
        max(case when is_business_day then calendar_date end) over (
            order by calendar_date
            rows between unbounded preceding and 1 preceding
        ) as previous_business_date
    from judged
)

select
    calendar_date,
    is_business_day,
    holiday,
    holiday_zh,
    calendar_date in (select pay.pay_date from pay) as is_pay_day,
    calendar_date = last_date as is_month_end,
    calendar_date = last_date and extract(month from calendar_date)::integer % 3 = 0 as is_quarter_end,
    next_business_date,
    previous_business_date,
    {{ build_columns() }}
from neighboured
where calendar_date between {{ business_date() }} - 730 and {{ business_date() }} + 400
