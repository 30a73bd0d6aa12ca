# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cloudaudit_exporter_global_optspecs
    string join \n config.file= config.enable-auto-reload web.listen-address= web.systemd-socket web.telemetry-path= web.config.file= web.route-prefix= web.external-url= web.enable-lifecycle web.shutdown-grace-period= log.level= log.format= shard= total-shards= h/help V/version
end

function __fish_cloudaudit_exporter_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cloudaudit_exporter_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cloudaudit_exporter_using_subcommand
    set -l cmd (__fish_cloudaudit_exporter_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l config.file -d 'Configuration file (YAML)' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.listen-address -d 'Address to listen on: host:port or unix:PATH; repeatable [default: :10629, or 127.0.0.1:10629 for the command demo]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.telemetry-path -d 'URL path of the metrics' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.config.file -d 'File with the TLS and basic authentication settings of the listener, in the format of the Prometheus exporter toolkit' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.route-prefix -d 'Path prefix of all endpoints; set it to / if a reverse proxy removes the prefix [default: the path of --web.external-url]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.external-url -d 'URL at which users reach the exporter; if set, alerts link to the page of the exporter' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.shutdown-grace-period -d 'Time limit for HTTP requests in flight after a signal to stop; everything else stops within a second' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l log.level -d 'Lowest level to log: debug, info, warn or error' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l log.format -d 'Format of the log on stderr: logfmt or json' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l shard -d 'Number of this shard, from 0 [default: with several shards, the number at the end of the host name]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l total-shards -d 'Number of shards: processes with the same configuration that divide the accounts' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l config.enable-auto-reload -d 'Reload the configuration file when it changes'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.systemd-socket -d 'Listen on the sockets that systemd passes, and ignore --web.listen-address'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -l web.enable-lifecycle -d 'Enable POST /-/reload and POST /api/v1/tracks/ID/forget'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -s h -l help -d 'Print help'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -s V -l version -d 'Print version'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -f -a "demo" -d 'Run the exporter against a simulated Tencent Cloud on loopback; needs no account and no configuration file'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -f -a "check" -d 'Check the configuration and print what the exporter would poll; without --online, it needs no keys and sends no requests'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -f -a "once" -d 'Poll each target once and print the metrics; exit with 1 if a poll failed'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -f -a "health" -d 'Check whether a running exporter is healthy; exit with 1 if not'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l config.file -d 'Configuration file (YAML)' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.listen-address -d 'Address to listen on: host:port or unix:PATH; repeatable [default: :10629, or 127.0.0.1:10629 for the command demo]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.telemetry-path -d 'URL path of the metrics' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.config.file -d 'File with the TLS and basic authentication settings of the listener, in the format of the Prometheus exporter toolkit' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.route-prefix -d 'Path prefix of all endpoints; set it to / if a reverse proxy removes the prefix [default: the path of --web.external-url]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.external-url -d 'URL at which users reach the exporter; if set, alerts link to the page of the exporter' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.shutdown-grace-period -d 'Time limit for HTTP requests in flight after a signal to stop; everything else stops within a second' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l log.level -d 'Lowest level to log: debug, info, warn or error' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l log.format -d 'Format of the log on stderr: logfmt or json' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l shard -d 'Number of this shard, from 0 [default: with several shards, the number at the end of the host name]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l total-shards -d 'Number of shards: processes with the same configuration that divide the accounts' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l config.enable-auto-reload -d 'Reload the configuration file when it changes'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.systemd-socket -d 'Listen on the sockets that systemd passes, and ignore --web.listen-address'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -l web.enable-lifecycle -d 'Enable POST /-/reload and POST /api/v1/tracks/ID/forget'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand demo" -s h -l help -d 'Print help'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l output -d 'Output format' -r -f -a "text\t'A line for each target'
json\t'JSON, for scripts and reviews'"
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l config.file -d 'Configuration file (YAML)' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.listen-address -d 'Address to listen on: host:port or unix:PATH; repeatable [default: :10629, or 127.0.0.1:10629 for the command demo]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.telemetry-path -d 'URL path of the metrics' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.config.file -d 'File with the TLS and basic authentication settings of the listener, in the format of the Prometheus exporter toolkit' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.route-prefix -d 'Path prefix of all endpoints; set it to / if a reverse proxy removes the prefix [default: the path of --web.external-url]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.external-url -d 'URL at which users reach the exporter; if set, alerts link to the page of the exporter' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.shutdown-grace-period -d 'Time limit for HTTP requests in flight after a signal to stop; everything else stops within a second' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l log.level -d 'Lowest level to log: debug, info, warn or error' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l log.format -d 'Format of the log on stderr: logfmt or json' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l shard -d 'Number of this shard, from 0 [default: with several shards, the number at the end of the host name]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l total-shards -d 'Number of shards: processes with the same configuration that divide the accounts' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l policy -d 'Print the least-privilege CAM policies as JSON, for the CAM console'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l online -d 'Try each kind of request that the configuration needs and print what fails; exit with 1 if one fails'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l strict -d 'Also exit with 1 if a track is not enabled, an expected track is missing or different, or a storage target does not exist'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l config.enable-auto-reload -d 'Reload the configuration file when it changes'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.systemd-socket -d 'Listen on the sockets that systemd passes, and ignore --web.listen-address'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -l web.enable-lifecycle -d 'Enable POST /-/reload and POST /api/v1/tracks/ID/forget'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l output -d 'File for the metrics, instead of stdout (-); the command replaces a regular file atomically and writes directly to a device or pipe' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l config.file -d 'Configuration file (YAML)' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.listen-address -d 'Address to listen on: host:port or unix:PATH; repeatable [default: :10629, or 127.0.0.1:10629 for the command demo]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.telemetry-path -d 'URL path of the metrics' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.config.file -d 'File with the TLS and basic authentication settings of the listener, in the format of the Prometheus exporter toolkit' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.route-prefix -d 'Path prefix of all endpoints; set it to / if a reverse proxy removes the prefix [default: the path of --web.external-url]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.external-url -d 'URL at which users reach the exporter; if set, alerts link to the page of the exporter' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.shutdown-grace-period -d 'Time limit for HTTP requests in flight after a signal to stop; everything else stops within a second' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l log.level -d 'Lowest level to log: debug, info, warn or error' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l log.format -d 'Format of the log on stderr: logfmt or json' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l shard -d 'Number of this shard, from 0 [default: with several shards, the number at the end of the host name]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l total-shards -d 'Number of shards: processes with the same configuration that divide the accounts' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l config.enable-auto-reload -d 'Reload the configuration file when it changes'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.systemd-socket -d 'Listen on the sockets that systemd passes, and ignore --web.listen-address'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -l web.enable-lifecycle -d 'Enable POST /-/reload and POST /api/v1/tracks/ID/forget'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand once" -s h -l help -d 'Print help'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l config.file -d 'Configuration file (YAML)' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.listen-address -d 'Address to listen on: host:port or unix:PATH; repeatable [default: :10629, or 127.0.0.1:10629 for the command demo]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.telemetry-path -d 'URL path of the metrics' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.config.file -d 'File with the TLS and basic authentication settings of the listener, in the format of the Prometheus exporter toolkit' -r -F
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.route-prefix -d 'Path prefix of all endpoints; set it to / if a reverse proxy removes the prefix [default: the path of --web.external-url]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.external-url -d 'URL at which users reach the exporter; if set, alerts link to the page of the exporter' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.shutdown-grace-period -d 'Time limit for HTTP requests in flight after a signal to stop; everything else stops within a second' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l log.level -d 'Lowest level to log: debug, info, warn or error' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l log.format -d 'Format of the log on stderr: logfmt or json' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l shard -d 'Number of this shard, from 0 [default: with several shards, the number at the end of the host name]' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l total-shards -d 'Number of shards: processes with the same configuration that divide the accounts' -r
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l config.enable-auto-reload -d 'Reload the configuration file when it changes'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.systemd-socket -d 'Listen on the sockets that systemd passes, and ignore --web.listen-address'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -l web.enable-lifecycle -d 'Enable POST /-/reload and POST /api/v1/tracks/ID/forget'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand health" -s h -l help -d 'Print help'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand help; and not __fish_seen_subcommand_from demo check once health help" -f -a "demo" -d 'Run the exporter against a simulated Tencent Cloud on loopback; needs no account and no configuration file'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand help; and not __fish_seen_subcommand_from demo check once health help" -f -a "check" -d 'Check the configuration and print what the exporter would poll; without --online, it needs no keys and sends no requests'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand help; and not __fish_seen_subcommand_from demo check once health help" -f -a "once" -d 'Poll each target once and print the metrics; exit with 1 if a poll failed'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand help; and not __fish_seen_subcommand_from demo check once health help" -f -a "health" -d 'Check whether a running exporter is healthy; exit with 1 if not'
complete -c cloudaudit-exporter -n "__fish_cloudaudit_exporter_using_subcommand help; and not __fish_seen_subcommand_from demo check once health help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
