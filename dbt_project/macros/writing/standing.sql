{# Whether a build can go on from what the date before has left. #}

{# stands_on_previous() -> true where this state model may go on from the state of the date before: it is published,
   nothing before it was built again since, its rows are still there, and the model meant the same then.
   Otherwise the model has to be computed from all deliveries, and gives the same rows.
   stands_on_previous('ind_all') -> the same of another model. #}
{% macro stands_on_previous(name=none) -%}
    {%- if not execute or not var('previous_build_id') | int -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set part = part_of(this if name is none else _place(_node(name)), var('previous_build_id')) -%}
    {%- if load_relation(part) is none -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set said = run_query("select obj_description('" ~ part ~ "'::regclass)") -%}
    {{ return(said.columns[0].values()[0] == 'definition ' ~ definition(model if name is none else _node(name))) }}
{%- endmacro %}

{# built_before() -> true where the model's table is there already: what a slice model may look back into #}
{% macro built_before() -%}
    {{ return(execute and load_relation(this) is not none) }}
{%- endmacro %}

{# part_of(this, 12) -> marts.dim_account__b12 #}
{% macro part_of(relation, build) -%}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '__b' ~ build}, type='table')) }}
{%- endmacro %}

{# definition() -> a hash of what a model says: whether a state that an earlier version of it made can be gone on with.
   What ind_all says is what all families say, where their events come from, and which days are off: an event leaves a
   window as what it was when it came. #}
{% macro definition(node=none) -%}
    {%- set node = model if node is none else node -%}
    {%- set said = [node.raw_code] -%}
    {%- if node.name == 'ind_all' -%}
        {%- do said.extend([tojson(indicator_families(), sort_keys=true), tojson(moved_subjects(), sort_keys=true), indicator_revision()]) -%}
        {%- for seed in graph.nodes.values() if seed.resource_type == 'seed' and seed.name == 'bank_holiday' -%}
            {%- do said.append(seed.checksum.checksum) -%}
        {%- endfor -%}
        {%- for subject in moved_subjects() -%}
            {%- do said.append(_node(moves_of(subject)).raw_code) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(local_md5(said | join)) }}
{%- endmacro %}

{# _node('ind_all') -> the model's node in the graph #}
{% macro _node(name) -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == name -%}
        {{ return(node) }}
    {%- endfor -%}
{%- endmacro %}

{# Where a model lies, without a `ref`: what only asks whether a state is there doesn't come after it. #}
{% macro _place(node) -%}
    {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
{%- endmacro %}
