{{ subject() }}
