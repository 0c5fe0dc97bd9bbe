"""A shop with pages and users of its own, and live parts of myapp on them (docs/adopt.md walks through it)."""

import os
import secrets

from flask import Flask, redirect, render_template, request, session, url_for
from werkzeug.middleware.proxy_fix import ProxyFix

from myapp_client import Client, ClientError

app = Flask(__name__)
app.config.update(SECRET_KEY=os.environ["SHOP_SECRET"], SESSION_COOKIE_NAME="shop", SESSION_COOKIE_SAMESITE="Lax")
app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1, x_host=1)  # it lives below /shop
live = Client(os.environ["LIVE_URL"], os.environ["LIVE_TOKEN"], patience=2)
orders: list[dict] = []  # a real shop has a database


@app.get("/")
def page():
    user = session.get("user")
    own = [order for order in orders if order["user"] == user]
    return render_template("shop.html", user=user, orders=own, waiting=orders)


@app.get("/live-ticket")
def live_ticket():
    """Asked for by the page: only this, and nothing that a customer waits for, needs the live server."""
    user = session.get("user")
    if user and session.get("known") != user:
        live.put_user(f"shop.{user}", user.title())  # there, names that begin with the shop's are nobody else's
        session["known"] = user
    said = {"ticket": live.ticket(f"shop.{user}").ticket, "user": user} if user else {}
    return said, 200 if user else 401, {"Cache-Control": "no-store"}


@app.post("/sign-in")
def sign_in():
    session["user"] = "".join(char for char in request.form["user"].lower() if char.isascii() and char.isalnum())[:20]
    return redirect(url_for("page"))


@app.post("/orders")
def order():
    # the key: a number begins at 1 again with each start of this shop, and what was told by a key is not told again
    orders.append({"number": len(orders) + 1, "key": secrets.token_hex(8), "user": session["user"], "shipped": False})
    return redirect(url_for("page"))


@app.post("/orders/<int:number>/ship")
def ship(number: int):
    """One line tells the customer: a badge counts, a toast appears, the list grows, on every page they have open."""
    order = orders[number - 1]
    order["shipped"] = True
    url = url_for("page", _anchor=f"order-{number}", _external=True)
    try:
        live.notify(f"shop.{order['user']}", f"Order {number} is on its way", badge="orders", url=url, key=order["key"])
    except ClientError:
        app.logger.exception("%s was not told", order["user"])  # the order is shipped all the same
    return redirect(url_for("page"))
