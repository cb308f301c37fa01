select
    district_id,
    name,
    region,
    population,
    urban_rate,
    average_salary_amount,
    unemployment_rate,
    entrepreneurs_per_1000,
    crime_count,
    business_date,
    load_id
from {{ source('external', 'district') }}
