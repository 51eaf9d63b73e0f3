# How many sessions one cluster member has, and requests within them. Connected to that member itself, so that it can be asked
# while its node's agent is down. Request: node, server. Changes nothing.


def perform(request):
    node = request.getProperty('node')
    server = request.getProperty('server')
    if mbean('type=Server,node=' + node + ',name=' + server) == '':
        raise Problem('missing', 'another process than ' + server + ' of ' + node + ' answers there')
    managers = lines(AdminControl.queryNames('type=SessionManager,node=' + node + ',process=' + server + ',*'))
    if len(managers) == 0: raise Problem('missing', server + ' of ' + node + ' offers no SessionManager')
    sessions = 0
    requests = 0
    for manager in managers:
        stats = AdminControl.getAttribute_jmx(AdminControl.makeObjectName(manager), 'stats')
        sessions = sessions + current(stats, 'LiveCount', manager)
        requests = requests + current(stats, 'ActiveCount', manager)
    return {'sessions': '%d' % sessions, 'requests': '%d' % requests}


def current(stats, name, manager):
    """A module that is not counted is not one without users."""
    counted = None
    if stats is not None: counted = stats.getStatistic(name)
    if counted is None: raise Problem('missing', 'no ' + name + ' of ' + manager + ': is PMI at level basic or higher?')
    return counted.getCurrent()


answer(perform)
