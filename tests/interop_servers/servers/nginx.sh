# nginx as Debian configures it, with TLS switched on for its default site.
sed -i 's/# listen 443/listen 443/; s/# include snippets/include snippets/' /etc/nginx/sites-available/default
sed -i 's/listen \[::\]/# &/' /etc/nginx/sites-available/default
start() { nginx -g 'daemon off;'; }
