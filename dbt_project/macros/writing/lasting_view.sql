{# A view that others are built upon: replaced in place, and only where it says something new, since replacing waits for
   those who read it. dbt's own materialization drops it and all that hangs on it. #}
{% materialization lasting_view, default %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set said = 'definition ' ~ local_md5([sql, model.description, tojson(model.columns)] | join) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if _view_says(target) == said -%}
        {%- call statement('main') -%} select 1 {%- endcall -%}
    {%- else -%}
        {%- do _make_room(target, _columns_of(sql, target)) -%}
        {%- call statement('main') -%}
            create or replace view {{ target }} as (
                {{ sql }}
            )
        {%- endcall -%}
        {%- do persist_docs(target, model) -%}
        {%- do run_query('comment on rule "_RETURN" on ' ~ target ~ " is '" ~ said ~ ', ' ~ _view_reads(target) ~ "'") -%}
    {%- endif -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# _view_says(target) -> the definition that a view was made from; none where there is no such view, or somebody has
   replaced it since. The view's own comment is its description, so it is kept with its rule. #}
{% macro _view_says(target) -%}
    {%- set found = run_query(
        "select obj_description(oid, 'pg_rewrite') from pg_rewrite where ev_class = to_regclass('" ~ target ~ "')"
    ) -%}
    {%- set said, _, reads = ((found.columns[0].values()[0] or '') if found | length else '').partition(', ') -%}
    {{ return(said if reads and reads == _view_reads(target) else none) }}
{%- endmacro %}

{# _view_reads(target) -> a hash of what a view reads, as the server has it #}
{% macro _view_reads(target) -%}
    {{ return(run_query("select md5(pg_get_viewdef('" ~ target ~ "'::regclass))").columns[0].values()[0]) }}
{%- endmacro %}

{# A view can be replaced by one with more columns behind its own. Another one must not disturb readers: what they read
   keeps the old view, under another name, until the publication makes their views anew. #}
{% macro _make_room(target, columns) -%}
    {%- set there = _standing(target).columns.values() | list if _kind(target) else [] -%}
    {%- set kept = columns[:there | length] -%}
    {%- set ns = namespace(fits=there | length == kept | length and _kind(target) in (none, 'v')) -%}
    {%- for column in kept -%}
        {%- set before = there[loop.index0] -%}
        {%- if column.name != before.name or _bare(column.data_type) != _bare(before.type) -%}
            {%- set ns.fits = false -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not ns.fits -%}
        {%- for view in _unread_views(target) -%}
            {%- do run_query('drop view ' ~ view) -%}
        {%- endfor -%}
        {%- if _kind(target) -%}
            {%- do run_query('alter table ' ~ target ~ ' rename to ' ~ target.identifier ~ '__until_b' ~ var('build_id')) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# _kind(target) -> 'v' for a view, 'p' for a table of parts, none for what isn't there #}
{% macro _kind(target) -%}
    {%- set found = run_query("select relkind::text from pg_class where oid = to_regclass('" ~ target ~ "')") -%}
    {{ return(found.columns[0].values()[0] if found | length else none) }}
{%- endmacro %}

{# The view and those that were put aside for it, as far as nothing is built upon them. #}
{% macro _unread_views(target) -%}
    {%- set found = run_query("
        select format('%I.%I', namespace.nspname, view.relname)
        from pg_class as view
        inner join pg_namespace as namespace on view.relnamespace = namespace.oid
        where
            view.relkind = 'v'
            and namespace.nspname = '" ~ target.schema ~ "'
            and view.relname ~ '^" ~ target.identifier ~ "(__until_b[0-9]+)?$'
            and not exists (
                select 1
                from pg_depend as upon
                inner join pg_rewrite as rule on upon.objid = rule.oid and upon.classid = 'pg_rewrite'::regclass
                where upon.refobjid = view.oid and rule.ev_class <> view.oid
            )
    ") -%}
    {{ return(found.columns[0].values()) }}
{%- endmacro %}
