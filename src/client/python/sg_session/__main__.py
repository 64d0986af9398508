"""``python -m sg_session get|status``: the same as the command line of sg-session, for machines that only have Python."""

import argparse
import json
import sys

from . import SgSessionError, __version__, get_session, status

# docs/errors.md
EXIT_STATUS = {
    "login_required": 10,
    "interaction_required": 11,
    "sign_in_cancelled": 12,
    "sign_in_timeout": 13,
    "access_denied": 14,
    "identity_rejected": 15,
    "redirect_ports_busy": 16,
    "web_sign_in_unavailable": 17,
    "passphrase_rejected": 18,
    "personal_access_token_required": 19,
    "two_factor_required": 20,
    "legacy_sign_in_unavailable": 21,
    "autodesk_token_unavailable": 22,
    "consent_denied": 30,
    "consent_timeout": 31,
    "not_your_agent": 32,
    "agent_not_running": 33,
    "agent_already_running": 34,
    "agent_timeout": 35,
    "unsupported_version": 36,
    "invalid_request": 37,
    "unknown_method": 38,
    "site_unknown": 50,
    "site_unreachable": 51,
    "identity_unreachable": 52,
    "broker_unreachable": 53,
    "subject_token_rejected": 54,
    "proof_rejected": 55,
    "account_not_mapped": 56,
    "account_disabled": 57,
    "account_ambiguous": 58,
    "privileged_account": 59,
    "session_owner_mismatch": 60,
    "session_ended": 61,
    "broker_stopped": 62,
    "secret_store_unavailable": 70,
    "config_invalid": 71,
    "rate_limited": 72,
    "temporarily_unavailable": 73,
    "audit_broken": 74,
    "internal_error": 1,
}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m sg_session", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="get|status")
    get = commands.add_parser("get", help="print the session token (a secret)")
    get.add_argument("--site", help="which site; default: the first configured")
    get.add_argument("--interactive", action="store_true", help="sign in through the browser first if nobody is signed in")
    get.add_argument("--start-agent", action="store_true", help="start an installed agent if none runs")
    show = commands.add_parser("status", help="say who is signed in where")
    for command in (get, show):
        command.add_argument("--json", action="store_true", help="print one JSON object")
        command.add_argument("--timeout", type=float, help="seconds")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return _get(options) if options.command == "get" else _status(options)
    except SgSessionError as error:
        if options.json:
            print(json.dumps({"error": {"code": error.code, "message": str(error), "advice": error.advice}}))
        else:
            sys.stderr.write("sg_session: %s\n%s\n" % (error, error.advice))
        return EXIT_STATUS.get(error.code, 1)


def _get(options):
    session = get_session(options.site, interactive=options.interactive, start_agent=options.start_agent, timeout=options.timeout)
    print(json.dumps(_fields(session)) if options.json else session.session_token)
    return 0


def _status(options):
    sites = status() if options.timeout is None else status(options.timeout)
    if options.json:
        print(json.dumps({"sites": [_fields(site) for site in sites]}))
    else:
        for site in sites:
            who = " as %s (%s)" % (site.name, site.login) if site.login else ""
            print("%s: %s%s" % (site.site, site.state.replace("_", " "), who))
    return 0


def _fields(record):
    return {name: getattr(record, name) for name in record.__slots__ if getattr(record, name) is not None}


if __name__ == "__main__":
    sys.exit(main())
