-- Insert-only: a version is true from effective_date, and known from the business date that first said so.
{% set attributes = [
    'id_type', 'id_number', 'name', 'sex', 'birth_date', 'mobile', 'email', 'address', 'district_id', 'branch_id',
    'occupation', 'education', 'marital_status', 'income_amount', 'is_staff', 'open_date', 'status',
] %}
select
    version.customer_id,
    version.id_type,
    version.id_number,
    version.name,
    version.sex,
    version.birth_date,
    version.mobile,
    version.email,
    version.address,
    version.district_id,
    version.branch_id,
    version.occupation,
    version.education,
    version.marital_status,
    version.income_amount,
    version.is_staff,
    version.open_date,
    version.status,
    version.effective_date,
    version.record_hash,
    {{ build_columns() }}
from {{ new_versions('stg_core_banking__customer', ['customer_id'], attributes) }} as version
