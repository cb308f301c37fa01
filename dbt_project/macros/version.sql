{# Versions: what was true from a date (effective_date), as known since a date (business_date). Nothing is overwritten;
   what a late or corrected file says is one more version. #}

{# record_hash(['name', 'mobile']) -> a hash of the columns. Text that a null leaves out is marked, so that
   (null, 'a') and ('a', null) differ. #}
{% macro record_hash(columns) -%}
    md5(concat_ws(chr(31){% for column in columns %}, coalesce({{ column }}::text, chr(30)){% endfor %}))
{%- endmacro %}

{# as_of('dim_customer', ['customer_id'], "date '2026-10-31'", business_date()) -> (the versions that were true on the
   first date, as the bank knew it on the second, which may not be later than this build's) #}
{% macro as_of(model, keys, day, known_on) -%}
    (
        select distinct on ({{ keys | join(', ') }}) version.*
        from {{ history(model) }} as version
        where
            version.effective_date <= {{ day }}
            and version.business_date <= {{ known_on }}
        order by {{ keys | join(', ') }}, version.effective_date desc, version.business_date desc
    )
{%- endmacro %}

{# new_versions('stg_crm__assignment', ['customer_id'], ['manager_id']) -> (customer_id, manager_id, effective_date,
   record_hash: the records delivered today that say something new). A record is a version of its own where it differs
   from the version known for its date: the newest with the same effective_date or an older one. #}
{% macro new_versions(staging, keys, attributes) -%}
    {%- set columns = keys + attributes + ['effective_date'] -%}
    (
        with delivered as (
            select {{ columns | join(', ') }}
            from {{ ref(staging) }}
            where business_date = {{ business_date() }}
        ),

        -- A late record ends where the next one begins, even if that one has been no version of its own so far.
        followed as (
            select distinct on ({% for key in keys %}later.{{ key }}, {% endfor %}delivered.effective_date)
                {%- for column in columns %}
                later.{{ column }}{{ ',' if not loop.last }}
                {%- endfor %}
            from delivered
            inner join {{ ref(staging) }} as later
                on
                    delivered.effective_date < later.effective_date
                    {%- for key in keys %}
                    and delivered.{{ key }} = later.{{ key }}
                    {%- endfor %}
            where later.business_date < {{ business_date() }}
            order by {% for key in keys %}later.{{ key }}, {% endfor %}delivered.effective_date, later.effective_date, later.business_date desc
        ),

        candidate as (
            select distinct on ({{ keys | join(', ') }}, effective_date) *
            from (
                select *, 1 as place from delivered
                union all
                select *, 2 as place from followed
            ) as said
            order by {{ keys | join(', ') }}, effective_date, place
        ),

        version as (
            select {{ columns | join(', ') }}, {{ business_date() }} as known_date, true as is_new
            from candidate
            {%- if built_before() %}
            union all
            select {{ columns | join(', ') }}, business_date as known_date, false as is_new
            from {{ earlier(this) }} as earlier_version
            where ({{ keys | join(', ') }}) in (select {{ keys | join(', ') }} from delivered)
            {%- endif %}
        ),

        hashed as (
            select *, {{ record_hash(attributes) }} as record_hash
            from version
        ),

        compared as (
            select
                *,
                lag(record_hash) over (
                    partition by {{ keys | join(', ') }} order by effective_date, known_date
                ) as known_hash
            from hashed
        )

        select {{ columns | join(', ') }}, record_hash
        from compared
        where is_new and record_hash is distinct from known_hash
    )
{%- endmacro %}
