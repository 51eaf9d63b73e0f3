# Starts or stops one server through its node's agent. Request: node, server, action = start | stop | stop-immediate, seconds.


def perform(request):
    node = request.getProperty('node')
    server = request.getProperty('server')
    action = request.getProperty('action')
    require_server(node, server)
    require_agent(node)
    deadline = deadline_of(request)
    if action == 'start': wanted = 'started'
    elif action in ['stop', 'stop-immediate']: wanted = 'stopped'
    else: raise Problem('invalid', 'action ' + action)
    said = ''
    if server_state(node, server) != wanted:
        try:
            said = act(action, node, server, request.getProperty('seconds'))
        except:
            # It may have happened all the same: only the state tells.
            said = current_error()
            deadline = 0
    while server_state(node, server) != wanted:
        if not wait_a_little(deadline): break
    return {'state': server_state(node, server), 'said': said}


def act(action, node, server, seconds):
    if action == 'start': return text_of(AdminControl.startServer(server, node, seconds))
    if action == 'stop': return text_of(AdminControl.stopServer(server, node))
    return text_of(AdminControl.stopServer(server, node, 'immediate'))


answer(perform)
