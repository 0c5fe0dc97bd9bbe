"""Orders as a part of the application itself: a page, a badge in its own navigation, and a kind of events of its own.

MYAPP_MODULES=examples.inside.orders make run
"""

from flask import Blueprint, Flask, redirect, render_template, url_for

from myapp import Kind, emit, live_page, notify, register, signed_in, transaction

bp = Blueprint("orders", __name__, url_prefix="/orders", template_folder="templates")

register(
    Kind(
        "order-shipped",
        label="Orders",
        badge="shipped",
        title=lambda data: f"Order {data['number']} is on its way",
        url=lambda data: "/orders",
        group=lambda data: "all",
        together=lambda data: f"{len(data)} orders are on their way",
        template="orders/item.html",
    )
)


@bp.get("")
def page():
    return render_template("orders/page.html", page=live_page())


@bp.post("/<int:number>/ship")
def ship(number: int):
    me = signed_in()
    with transaction():  # what your own code writes here with `tx.run` is stored together with what is told
        emit(me, "order-shipped", {"number": number, "carrier": "Pigeon"})
        notify("packer", f"Order {number} has left", url="/orders", badge="packing", key=f"left-{number}")
    return redirect(url_for("orders.page"))


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)
