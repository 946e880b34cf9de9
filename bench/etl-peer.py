"""The bench's work as one would script it in Python: standard library, one pass, one process."""

import base64
import hmac
import json
import re
import resource
import sys

KEY = b"a bench key, 32 bytes of ASCII.."
STATUSES = {"placed", "paid", "shipped", "test"}
TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)"
)
METADATA = {
    "_pipeline_timestamp": "2026-01-01T00:00:00.000Z",
    "_pipeline_version": "1",
    "_run_id": "01940000-0000-7000-8000-000000000000",
    "_source": "s3://bench/orders/",
}
NOT_PHONE = re.compile(r"[^\d+]")


def text(value, most, least=0):
    return type(value) is str and least <= len(value) <= most


def meets_contract(row):
    get = row.get
    at, amount, items, phone = get("ordered_at"), get("amount"), get("items"), get("phone")
    return (
        text(get("order_id"), 32)
        and type(at) is str
        and TIMESTAMP.fullmatch(at) is not None
        and get("status") in STATUSES
        and text(get("country"), 2, 2)
        and type(amount) in (int, float)
        and amount >= 0
        and type(items) is int
        and 1 <= items <= 1000
        and text(get("email"), 254)
        and (phone is None or text(phone, 32))
    )


def pseudonym(value):
    digest = hmac.digest(KEY, value.encode(), "sha256")
    return "h1:" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def main(source, target):
    extracted = accepted = filtered = quarantined = 0
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            extracted += 1
            row = json.loads(line)
            if not meets_contract(row):
                quarantined += 1
                continue
            if row["status"] == "test" or row["items"] <= 0:
                filtered += 1
                continue
            row["email"] = pseudonym(row["email"].strip().lower())
            if row["phone"] is not None:
                row["phone"] = pseudonym(NOT_PHONE.sub("", row["phone"]))
            row.update(METADATA)
            accepted += 1
            out.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "extracted": extracted,
                "accepted": accepted,
                "filtered": filtered,
                "quarantined": quarantined,
                "maxRssBytes": usage.ru_maxrss * 1024,
                "cpuSeconds": usage.ru_utime + usage.ru_stime,
            }
        )
    )


main(sys.argv[1], sys.argv[2])
