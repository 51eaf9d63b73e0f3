# Whether applications are fully distributed. Request: application.N. Changes nothing.


def perform(request):
    installed = lines(AdminApp.list())
    found = []
    for application in many(request, 'application'):
        if application not in installed: raise Problem('missing', 'the cell has no application ' + application)
        found.append({
            'application': application,
            'ready': yes_or_no(AdminApp.isAppReady(application)),
            'status': text_of(AdminApp.getDeployStatus(application)),
        })
    return found


answer(perform)
