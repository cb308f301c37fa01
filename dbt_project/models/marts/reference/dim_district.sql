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
    {{ build_columns() }}
from {{ latest_delivery('stg_external__district') }} as district
