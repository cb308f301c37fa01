{{ all_indicators() }}
