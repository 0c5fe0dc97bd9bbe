#!/bin/sh
# The programs that no Python package brings: installed from Debian's packages where that is allowed, named where it is
# not. Arguments: what is wanted of nginx redis postgresql chromium node npm.
set -eu

missing=""
better=""
for program in "$@"; do
    case "$program" in
        nginx) command -v nginx >/dev/null || missing="$missing nginx-light" ;;
        redis) command -v redis-server >/dev/null || missing="$missing redis-server" ;;
        postgresql)
            ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null ||
                missing="$missing postgresql" ;;
        chromium)
            command -v chromium >/dev/null || missing="$missing chromium"
            # the same engine without windows: it takes a third of the processor's time
            command -v chromium-headless-shell >/dev/null || better="chromium-headless-shell" ;;
        node) command -v node >/dev/null || missing="$missing nodejs" ;;
        npm) command -v npm >/dev/null || missing="$missing npm" ;;
        *) echo "unknown program: $program" >&2; exit 2 ;;
    esac
done

can_install() {
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]
}

# fetch PACKAGES [OPTION OF APT]...
fetch() {
    packages=$1; shift
    echo "installing: $packages"
    apt-get "$@" update -qq && DEBIAN_FRONTEND=noninteractive \
        apt-get "$@" install -y -qq --no-install-recommends $packages >/dev/null
}

if [ -n "$better" ] && can_install; then
    fetch "$better" -o Acquire::Retries=0 -o Acquire::http::Timeout=10 ||
        echo "without $better the browser tests take longer" >&2
fi
[ -z "$missing" ] && exit 0

if can_install; then
    fetch "$missing"
else
    echo "needed:$missing" >&2
    echo "install them, as root on Debian: apt-get install$missing" >&2
    exit 1
fi
