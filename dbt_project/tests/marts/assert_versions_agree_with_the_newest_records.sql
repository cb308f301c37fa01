-- Of the customers delivered on this date, the newest version is the newest record, late and corrected files included.
select
    record.customer_id,
    record.effective_date,
    newest_version.effective_date as version_date
from {{ current('int_customer') }} as record
inner join {{ ref('stg_core_banking__customer') }} as delivered
    on
        record.customer_id = delivered.customer_id
        and delivered.business_date = {{ business_date() }}
left join lateral (
    select version.*
    from {{ ref('dim_customer') }} as version
    where
        version.customer_id = record.customer_id
        and (version.build_id = {{ build_id() }} or version.build_id = any({{ published_before() }}))
    order by version.effective_date desc, version.business_date desc
    limit 1
) as newest_version on true
where
    newest_version.customer_id is null
    or newest_version.effective_date > record.effective_date
    or (newest_version.name, newest_version.mobile, newest_version.address, newest_version.branch_id)
    is distinct from (record.name, record.mobile, record.address, record.branch_id)
    or (newest_version.id_type, newest_version.id_number, newest_version.open_date, newest_version.status)
    is distinct from (record.id_type, record.id_number, record.open_date, record.status)
