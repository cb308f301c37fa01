{# customer_attributes() -> id_type::text, id_number::text, …: what makes two versions of a customer differ. Text that a
   null leaves out is marked, so that (null, 'a') and ('a', null) differ. #}
{% macro customer_attributes() -%}
    {%- set columns = [
        'id_type', 'id_number', 'name', 'sex', 'birth_date', 'mobile', 'email', 'address', 'district_id', 'branch_id',
        'occupation', 'education', 'marital_status', 'income_amount', 'is_staff', 'open_date', 'status',
    ] -%}
    {%- for column in columns -%}
        coalesce({{ column }}::text, chr(30)){{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
