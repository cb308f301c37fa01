{{ subject('level_holding') }}
