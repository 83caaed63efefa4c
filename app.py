"""The service for a WSGI server: `gunicorn -c config/gunicorn.conf.py app:app`, or `registry serve`."""

from registry.web import create_app
from registry.web.logs import configure_logs

configure_logs()
app = create_app()
