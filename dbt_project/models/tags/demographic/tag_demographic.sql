with holding as (
    select customer_id from {{ current('ind_holding') }} as holding_row
    where as_of_date = {{ business_date() }}
),

district as (
    select
        district_id,
        urban_rate,
        (average_salary_amount - avg(average_salary_amount) over ())
        / nullif(stddev_pop(average_salary_amount) over (), 0) as salary_deviation
    from {{ current('dim_district') }} as district_row
),

person as (
    select
        customer.customer_id,
        customer.birth_date,
        customer.marital_status,
        customer.occupation,
        customer.education,
        customer.income_amount,
        customer.is_staff,
        district.urban_rate,
        district.salary_deviation,
        extract(year from age({{ business_date() }}, customer.birth_date)) as age_years,
        (customer.income_amount - avg(customer.income_amount) over peers)
        / nullif(stddev_pop(customer.income_amount) over peers, 0) as income_deviation
    from holding
    inner join {{ current('dim_customer_current') }} as customer on holding.customer_id = customer.customer_id
    left join district on customer.district_id = district.district_id
    window peers as (partition by customer.occupation)
)

select
    customer_id,
    case
        when age_years is null then 'unknown'
        when age_years < 18 then 'under_18'
        when age_years < 30 then '18_29'
        when age_years < 45 then '30_44'
        when age_years < 60 then '45_59'
        else '60_plus'
    end as age_band,
    case
        when birth_date is null then 'unknown'
        when birth_date < date '1960-01-01' then 'before_1960'
        when birth_date < date '1970-01-01' then '1960s'
        when birth_date < date '1980-01-01' then '1970s'
        when birth_date < date '1990-01-01' then '1980s'
        when birth_date < date '2000-01-01' then '1990s'
        else 'since_2000'
    end as birth_decade,
    case
        when age_years is null then 'unknown'
        when age_years >= 60 then 'senior'
        when marital_status = 'married' and age_years >= 45 then 'settled_family'
        when marital_status = 'married' then 'young_family'
        when age_years < 30 then 'young_single'
        else 'single'
    end as family_stage,
    case
        when occupation in ('employee', 'worker', 'civil_servant', 'professional', 'manager') then 'salaried'
        when occupation in ('self_employed', 'farmer') then 'self_employed'
        when occupation in ('student', 'retired', 'unemployed') then 'not_working'
        when occupation is null then 'unknown'
        else 'other'
    end as occupation_group,
    coalesce(occupation = 'retired', age_years >= 60, false) as is_retired,
    case
        when education in ('primary', 'secondary') then 'school'
        when education in ('college', 'bachelor') then 'degree'
        when education in ('master', 'doctor') then 'postgraduate'
        else 'unknown'
    end as education_level,
    case
        when income_amount is null then 'unknown'
        when income_amount < 60000 then 'low'
        when income_amount < 120000 then 'middle'
        when income_amount < 300000 then 'upper'
        else 'high'
    end as income_band,
    case
        when income_amount is not null
            then ntile(5) over (partition by income_amount is null order by income_amount, customer_id)::smallint
    end as income_quintile,
    coalesce(is_staff, false) as is_staff_member,
    case
        when occupation is null or income_deviation is null then 'unknown'
        when income_deviation <= -0.5 then 'below'
        when income_deviation < 0.5 then 'usual'
        else 'above'
    end as income_among_peers,
    case
        when not {{ delivered('external.district') }} then null
        when urban_rate is null then 'unknown'
        when urban_rate < 0.85 then 'rural'
        when urban_rate < 0.95 then 'town'
        else 'city'
    end as place_kind,
    case
        when not {{ delivered('external.district') }} then null
        when salary_deviation is null then 'unknown'
        when salary_deviation <= -0.5 then 'below'
        when salary_deviation < 0.5 then 'usual'
        else 'above'
    end as district_salary_level,
    {{ build_columns() }}
from person
